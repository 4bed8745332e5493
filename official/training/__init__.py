"""One training: its description, its trainer, its evaluation, its result.

answers                 what a network answered about every video of a split
candidate_trainer       the function that a search calls to train a candidate
checkpoints             finds the newest checkpoint of a folder and checks it
clip_task               the Model Garden task: a network, its clips, its loss and metrics
config                  the one description of a training
connection_sensitivity  what a trained network would lose with each of its connections
curve                   curve.csv, the learning curve of a final training
ensemble                several trained networks, exported as one
evaluation              the metrics of a trained network on one split, and what else is seen
experiment              one network trained as a Model Garden experiment
final_trainer           trains the winner from scratch, evaluates it on test data, exports it
flags                   the flags of every main that trains, a view of config
hyperparameters         parts of a training as Model Garden's configurations
inheritance             initial weights of a child from its parent's training
inherited_dense_head    works out those of a head that answers for every pixel
inherited_values        works out those weights, as plain arrays
latency                 the measured time of a trained network for one clip
leaving                 writes a checkpoint and stops when SIGTERM asks for it
optimizers              the optimizer and the learning rate, as Model Garden builds them
predictions             predictions.csv, the worst answers, and pictures of them
probe                   measures the time and memory of a few training steps
progress_file           progress.json: what a training is doing now
runtime                 TensorFlow's settings per process: threads, determinism, devices
score_names             the scores without training, by name
scores                  what a network's first weights are said to tell of its quality
trainer                 the Model Garden trainer, with progress and orderly stopping
warm_restarts           a learning rate that falls to zero several times
warm_start              initial weights from an earlier training
"""
