"""The base of every program of this package: command lines, files, JSON, errors, progress.

cli           flags, exit statuses and error lines, the same for every command
faults        tells faults of the environment from those of the program and of its input
files         files that are written whole or not at all, on a local disk or behind a URL
intervals     how sure a share of few clips is
json_text     JSON with a line for each field, and for each object in a list
listing       the videos below a folder
lookup        tables of values by name, to which modules from outside the tree add their own
next_command  the line that names the next command, at the end of a program
page_colours  the colours of all pages and pictures, on light and on dark ground
page_style    the frame and the look of every page that we write
progress      the progress of a preparation, reported while it runs
quiet_beam    Apache Beam, imported without the warnings of its dependencies
shapes        descriptions of our JSON files, and one way to check them
url_files     files behind URLs, through Apache Beam's filesystems
"""
