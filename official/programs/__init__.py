"""What the mains and official.video_evolution do, told as functions of values instead of flags.

architecture_training  trains one architecture to the end
frame_answers          what a network that returns frames or masks makes of videos
network_description    describes one architecture: a table, a picture
network_export         makes a SavedModel of what a search has trained
network_search         searches for networks, and trains and exports the winner
next_steps             the commands that come after a run, an export or an answer
run_contents           what the folder of a search holds
run_page               writes the page of a run at its end
video_answers          what a network says of videos

A function here checks what it is given, and raises UserError where something cannot be done. No
TensorFlow is imported before the checks are done.
"""
