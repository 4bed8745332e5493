"""Videos and labels to TFRecords of frames and optical flow, as an Apache Beam job."""
