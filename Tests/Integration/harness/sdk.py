"""Scripts for the official SDKs; each prints JSON on its last line."""

SDK_1 = """
import json, os, sys
from vastai import VastAI
client = VastAI(api_key=os.environ["VAST_API_KEY"], server_url=os.environ["VAST_URL"])
"""
SDK_06 = """
import json, os, sys
from vastai_sdk import VastAI
client = VastAI(api_key=os.environ["VAST_API_KEY"], server_url=os.environ["VAST_URL"])
"""
EXECUTE_1 = SDK_1 + "print(json.dumps(client.execute(id=int(sys.argv[1]), command=sys.argv[2])))"
EXECUTE_06 = SDK_06 + "print(json.dumps(client.execute(id=int(sys.argv[1]), COMMAND=sys.argv[2])))"
