"""Model Garden's own training program, with the architectures of this package registered.

  python -m official.model_garden --experiment=evolved_streams --mode=train_and_eval \\
      --model_dir=RUN --config_file=FILE.yaml

Flags, modes and YAML are those of tf-models-official's `official.vision.train`; docs/training.md
has a YAML for each of our experiments, evolved_streams and evolved_rgb.
"""

from absl import flags
from official.common import flags as garden_flags

from data_prep.common import cli

FLAGS = flags.FLAGS

garden_flags.define_flags()


def main(_) -> int:
  for name in ("experiment", "mode", "model_dir"):
    if not FLAGS[name].value:
      raise cli.UserError(f"--{name} is missing ({FLAGS[name].help})")
  from official.core import train_utils
  from official.vision import train

  from official.garden import registrations  # Registers; imports TensorFlow.

  registrations.check_checkpoints(train_utils.parse_configuration(FLAGS), FLAGS.model_dir)
  train.main([])
  return 0


if __name__ == "__main__":
  cli.run(main)
