"""Runs: the directories, executors and locks with which trainings survive kills.

    run_directory   model_dir on disk: search.json, candidates/000012/{candidate,result,timing}.json
    records         what those JSON files say, as values
    rung_records    the same for candidates that are judged at rungs
    final_records   the same for the final training
    provenance      when, with which version and by which command a run was started
    record_files    how records are read from their files
    reading         the files of very many candidates, on a disk or a slow storage
    json_files      JSON files that are read and written whole, on a local disk or behind a URL
    identity        refuses a run directory that was made with other flags
    fitness         metrics -> one number, and who is better than whom
    judge           what an ending says: a result, a retry, or a reason to stop the search
    executors       run candidates: in this process, in a process for each, or on a cluster
    driver          hands tasks out, waits, judges and tries again, for whoever trains things
    extensions      imports modules from outside the tree, which register what they define
    final_training  trains the best to the end
    recorded_data   what a search's dataset says of an accuracy
    single          one training of one architecture as a run of its own
    trained         where the weights lie that could be exported
    console         a bar, or lines, and never silence
    phases          what a training is doing at the moment, in words
    locks           locks that die with their holder
    signals         Ctrl-C and SIGTERM as one exception

Nothing here imports TensorFlow or knows the search. Training is a picklable function
`evaluator(candidate, directory) -> dict` of plain data (`executors.base.Evaluator`), so that a
test, a process pool and a cluster all look alike from here.
"""
