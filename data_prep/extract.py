"""Prepares labelled videos for training: frames and optical flow as TFRecords, with Apache Beam.

  python -m data_prep.extract --manifest=videos.csv --output_dir=data

reads the clips that the manifest lists (a CSV with the columns path,label,split and optionally
clip_id,start,end; python -m data_prep.manifest makes one from a folder per class) and writes

  data/train-00000-of-00064.tfrecord ...  SequenceExamples with MediaSequence keys, one a clip;
                                          likewise validation-... and test-...
  data/dataset.json                       classes, streams, sizes, counts; written last
  data/failures.jsonl                     the clips that could not be used, and why

The same manifest and flags give the same bytes, with any number of workers. A killed job resumes
with the files that are missing when the same command is given again. A video that cannot be read
costs one clip, never the job. It uses all cores of this machine; --direct_num_workers=N, or
any other option of Beam's, e.g. --runner=FlinkRunner, is passed on to Beam.
"""

from collections.abc import Sequence

from absl import flags

from data_prep.common import cli
from data_prep.common import next_command
from data_prep.dataset import clip_examples
from data_prep.dataset import coded_frames
from data_prep.dataset import first_search
from data_prep.dataset import flow_methods
from data_prep.dataset import limits
from data_prep.dataset import mask_files
from data_prep.dataset import stored_images
from data_prep.dataset import stream_inputs
from data_prep.dataset import tvl1
from data_prep.job import preparation
from data_prep.job import windowing

_LIMITS = limits.DEFAULT
_MANIFEST = flags.DEFINE_string("manifest", None, "CSV that lists the clips.")
_OUTPUT_DIR = flags.DEFINE_string(
  "output_dir", None, "Folder to make; a URL where Beam's filesystems know the scheme."
)
_FPS = flags.DEFINE_float(
  "fps",
  25.0,
  "Frames a second of the dataset. A network sees consecutive frames: at 10 "
  "the same number of frames spans more time than at 25.",
  lower_bound=0.01,
  upper_bound=1000.0,
)
_SHORT_SIDE = flags.DEFINE_integer(
  "short_side", 256, "Pixels of the shorter side of every frame.", lower_bound=8
)
_FLOW = flags.DEFINE_enum(
  "flow",
  tvl1.ALGORITHM,
  [*flow_methods.NAMES, flow_methods.NONE],
  "Optical flow to compute. dis takes half the time of tvl1. Served networks compute "
  "only tvl1: one that was trained on other flow has to be sent streams instead of frames.",
)
_FLOW_PROFILE = flags.DEFINE_enum(
  "flow_profile",
  tvl1.FAST,
  tvl1.PROFILES,
  "Parameters of --flow=tvl1: opencv_default is what most published networks used; fast takes a "
  "hundredth of the time, differs by 0.08 pixels on average and follows large motion better.",
)
_FLOW_FORMAT = flags.DEFINE_enum(
  "flow_format",
  "png",
  stored_images.FORMATS,
  "png keeps the 8 bits exactly, and zero is zero. jpeg takes fewer bytes, and on a scene of "
  "known motion the error grows from 0.21 to 0.26 pixels.",
)
_FLOW_BOUND = flags.DEFINE_float(
  "flow_bound",
  20.0,
  "Pixels a frame that the stored flow reaches; faster motion is clipped.",
  lower_bound=0.1,
)
_STREAM = flags.DEFINE_multi_string(
  "stream",
  [],
  "A further stream, NAME:KIND[:SCALE][@RATE], such as spectrum:array:1 or lidar:array@10; may be "
  "given several times. The manifest's column stream:NAME has a file of it for each clip: .npy or "
  ".npz [time, height, width, channels], a folder of PNG or TIFF images, or a video. KIND is array "
  "(any numbers, kept exactly), depth, image or flow. With SCALE, it shows what the frames show, "
  "at so many times their size; without, it has a size of its own. RATE is its frames a second, "
  "--fps if neither this nor its file says so.",
)
_DEGRADE = flags.DEFINE_string(
  "degrade",
  "",
  "h264:CRF, such as h264:38, stores the frames a second time, as the stream "
  f"{coded_frames.NAME}, after they were coded as H.264 at this constant rate factor and decoded "
  "again: 0 is nearly lossless, 51 is worst.",
)
_MASK_CLASSES = flags.DEFINE_list(
  "mask_classes",
  [],
  "Names of the classes of masks (the manifest's column mask), in the order of their numbers, "
  "which begin with 0; by default, the numbers themselves.",
)
_MASK_EVERY = flags.DEFINE_integer(
  "mask_every",
  1,
  "A folder of masks has one for every so many frames of its video; the others do not count.",
  lower_bound=1,
)
_WINDOW_SECONDS = flags.DEFINE_float(
  "window_seconds",
  0.0,
  "Cut every row of the manifest into clips of this length; 0 makes one clip of each.",
  lower_bound=0.0,
)
_STRIDE_SECONDS = flags.DEFINE_float(
  "stride_seconds",
  0.0,
  "Seconds from the start of one window to the next; 0 is --window_seconds, so that they touch.",
  lower_bound=0.0,
)
_NUM_SHARDS = flags.DEFINE_integer(
  "num_shards",
  0,
  "Files a split; 0 makes one for every 4 clips, and at least 64 where there are so many clips.",
  lower_bound=0,
)
_MAX_CLIP_SECONDS = flags.DEFINE_float(
  "max_clip_seconds",
  _LIMITS.max_clip_seconds,
  "Longest clip; a longer one fails. Bounds a worker's memory, with --max_megabytes.",
  lower_bound=0.0,
)
_MAX_FRAMES = flags.DEFINE_integer(
  "max_frames",
  _LIMITS.max_frames,
  "Most frames decoded for a clip, from the key frame before its start.",
  lower_bound=1,
)
_MAX_MEGAPIXELS = flags.DEFINE_float(
  "max_megapixels",
  _LIMITS.max_megapixels,
  "Largest frame of a video, in 10^6 pixels; 8K has 33.",
  lower_bound=0.0,
)
_MAX_MEGABYTES = flags.DEFINE_float(
  "max_megabytes",
  _LIMITS.max_megabytes,
  "Most bytes of a clip's encoded frames and flows, in 10^6; a TFRecord ends at 2,147.",
  lower_bound=0.0,
  upper_bound=2000.0,
)
_MAX_FAILURE_RATE = flags.DEFINE_float(
  "max_failure_rate",
  0.5,
  "The job stops when more than this share of all its clips cannot be used.",
  lower_bound=0.0,
  upper_bound=1.0,
)
_OVERWRITE = flags.DEFINE_bool(
  "overwrite",
  False,
  "Lose what --output_dir holds of other flags or another manifest, finished "
  "or not. (What it holds of this very command is used in any case.)",
)

_ISOLATE_DECODING = flags.DEFINE_bool(
  "isolate_decoding",
  True,
  "Make clips in a process of their own, so that a crash in a decoder "
  "costs one clip and not the job.",
)
_CLIP_TIMEOUT = flags.DEFINE_float(
  "clip_timeout",
  0.0,
  "Seconds after which a clip is given up; 0 is never. A last resort, for "
  "decoders that hang: what fails depends on the machine's speed.",
  lower_bound=0.0,
)


def main(arguments: Sequence[str]) -> None:
  """Runs one preparation; `arguments` are Beam's options."""
  for flag in (_MANIFEST, _OUTPUT_DIR):
    if not flag.value:
      raise cli.UserError(f"--{flag.name} is needed (--help lists the flags)")
  if _CLIP_TIMEOUT.value and not _ISOLATE_DECODING.value:
    raise cli.UserError("--clip_timeout needs --isolate_decoding: only a process can be ended")
  if _STRIDE_SECONDS.value and not _WINDOW_SECONDS.value:
    raise cli.UserError("--stride_seconds needs --window_seconds")
  if _WINDOW_SECONDS.value > _MAX_CLIP_SECONDS.value:
    raise cli.UserError(
      f"--window_seconds={_WINDOW_SECONDS.value:g} is longer than "
      f"--max_clip_seconds={_MAX_CLIP_SECONDS.value:g}; raise that too"
    )
  _check_flow()
  inputs = stream_inputs.parse_all(_STREAM.value)
  _check_degrade(inputs)
  settings = clip_examples.Settings(
    fps=_FPS.value,
    short_side=_SHORT_SIDE.value,
    flow=_FLOW.value,
    flow_profile=_FLOW_PROFILE.value,
    flow_format=_FLOW_FORMAT.value,
    flow_bound=_FLOW_BOUND.value,
    inputs=inputs,
    degrade=_DEGRADE.value,
    limits=limits.Limits(
      max_clip_seconds=_MAX_CLIP_SECONDS.value,
      max_frames=_MAX_FRAMES.value,
      max_megapixels=_MAX_MEGAPIXELS.value,
      max_megabytes=_MAX_MEGABYTES.value,
    ),
  )
  operation = preparation.Operation(
    max_failure_rate=_MAX_FAILURE_RATE.value,
    overwrite=_OVERWRITE.value,
    isolate_decoding=_ISOLATE_DECODING.value,
    clip_timeout=_CLIP_TIMEOUT.value,
    beam_arguments=arguments,
  )
  directory = cli.resolve_path(_OUTPUT_DIR.value)
  info = preparation.prepare(
    cli.resolve_path(_MANIFEST.value),
    directory,
    settings,
    cutting=windowing.Windows(
      window_seconds=_WINDOW_SECONDS.value, stride_seconds=_STRIDE_SECONDS.value
    ),
    num_shards=_NUM_SHARDS.value,
    masks=mask_files.MaskInput(classes=tuple(_MASK_CLASSES.value), every=_MASK_EVERY.value),
    operation=operation,
  )
  preview = next_command.command(
    "python -m data_prep.preview", data_dir=directory, output="preview.html"
  )
  next_command.tell([preview, first_search.command(directory, info)])


def _check_flow() -> None:
  """Raises UserError for flags that do not go with --flow."""
  name = _FLOW.value
  if name in flow_methods.NAMES and not flow_methods.has_profiles(name):
    if _FLOW_PROFILE.present:
      raise cli.UserError(
        f"--flow_profile is for --flow={tvl1.ALGORITHM}; leave it out with --flow={name}"
      )
    if _SHORT_SIDE.value < (smallest := flow_methods.smallest_side(name)):
      raise cli.UserError(f"--flow={name} needs --short_side={smallest} or more")


def _check_degrade(inputs: Sequence[stream_inputs.StreamInput]) -> None:
  """Raises UserError for a --degrade that does not exist, or whose stream another one is."""
  if not _DEGRADE.value:
    return
  coded_frames.parse(_DEGRADE.value)
  if coded_frames.NAME in [one.name for one in inputs]:
    raise cli.UserError(
      f"--degrade makes the stream {coded_frames.NAME}, and --stream names one like that; choose "
      "another name for it"
    )


if __name__ == "__main__":
  cli.run(main, pass_unknown=True, flag_of={"directory": "output_dir"})
