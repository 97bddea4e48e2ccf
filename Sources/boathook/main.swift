print("boathook")
