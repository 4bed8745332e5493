"""What every program of this package stands on: command lines, files, JSON, errors, progress.

cli            what every command line of this package does alike
faults         tells faults of the environment from those of the program and of its input
files          files that are written whole or not at all, on a local disk or behind a URL
listing        the videos below a folder
progress       how far a preparation is, told while it runs
quiet_beam     Apache Beam, imported without the warnings of its dependencies
shapes         what JSON files of ours look like, and one way to read them
"""
