"""The Beam job that turns videos into a dataset folder.

cluster_runner  Beam on a cluster: one line where nobody answers, and where a job fails
folder          the output folder: finished, being written, or left by a run that was killed
handout         which worker does what, where workers are threads of one process
local_runner    Beam on this machine: one process per core, and no hang when one dies
local_worker    a worker process of a local job
pipeline        the Beam job: the shards of a plan, each written by one call on some worker
preparation     a preparation from its manifest to its finished folder
shards          which clips go into which file, and the making of one file
windowing       cuts long videos into clips of equal length
"""
