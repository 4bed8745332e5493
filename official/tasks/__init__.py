"""The questions that a network answers: what it predicts, how it learns, what is said of it.

contract           what a task is: target, output, metrics, fitness
learning           what the module `task` of a task defines
answering          what the module `served` of a task defines
registry           the tasks by name, also those from outside the tree
classification     the task of clips with one label
multi_label        the task of clips with several labels
restoration        the task of frames that were made worse
segmentation       the task of the class of every pixel
label_metrics      the metrics of tasks of labels
label_learning     what tasks of labels have in common while a network learns
label_answers      what tasks of labels have in common where a network is served
pixel_learning     what tasks of frames and masks have in common while a network learns
pixel_answers      what tasks of frames and masks have in common where a network is served
label_predictions  the rows of predictions.csv of tasks of labels
label_marks        how right the rows of a CSV of answers are
baselines          what an accuracy is compared with: clips, interval, chance, largest class
average_precision  mean average precision, computed over a whole split
"""
