import BoathookCLI

await BoathookCommand.start()
