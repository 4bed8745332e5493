"""What the sample videos show: textured discs that move over a textured, moving background.

A disc looks like one of two things, checks (warm colours) or spots (cold colours). Lengths are in
heights of the frame, times in seconds.

`easy`: both discs of a video look and move alike. The class is the pair of look and motion, such as
`checks_rising`; the motions are rising, falling and swaying.

`hard`: one disc is checks and the other spots, and each makes one motion of a pair. The class tells
what the first-named disc does:

    checks_rising    while spots fall          spots_rising    while checks fall
    checks_bouncing  while spots hop           spots_bouncing  while checks hop
    checks_swaying   while spots shake         spots_swaying   while checks shake

Discs bounce slowly and hop quickly up and down; they sway slowly and shake quickly from side to
side; all at the same speeds. Every class has the same looks, and the two classes of a row have the
same motions. Optical flow alone therefore tells the rows apart, but not the classes of a row, and a
single frame tells nothing. A network has to combine look and motion at the place of a disc, before
it averages over the picture, and to see when a disc turns, which two neighbouring frames do not
show. Everything else is drawn for each video and says nothing about its class: sides, places,
sizes, speeds, periods, phases, shades (with a share of the other look's colours), one to three grey
discs that move in any of these ways, the background and its drift, the shaking of the camera,
brightness and noise.

Mirroring a video from left to right does not change its class in either set.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import types

import cv2
import numpy as np

LOOKS = ("checks", "spots")
MASK_CLASSES = ("background", *LOOKS, "grey")  # Of every pixel, in the order of their numbers.
SIZES = ((96, 72), (112, 84), (128, 96))  # Width and height, pixels.
RATES = (12, 15)  # Frames a second.
_SWING = 0.22  # Heights to either side, of swaying discs that are easy.
_COUNTERPART = types.MappingProxyType(
  {"rising": "falling", "bouncing": "hopping", "swaying": "shaking"}
)
_LARGEST_SHARE = 0.4  # Of the colours of the other look.
_SLOW, _QUICK = (1.1, 1.5), (0.4, 0.55)  # Seconds that a period can take.

# The centre (x, y) of a disc at a time.
Path = Callable[[float], tuple[float, float]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disc:
  """A textured disc.

  Attributes:
    path: Where its centre is.
    look: One of `LOOKS`.
    radius: Its radius.
    angle: Angle of its texture, radians.
    colours: RGB in 0..1, `[2, 3]`.
    mask_class: One of `MASK_CLASSES`; that of its look unless given.
  """

  path: Path
  look: str
  radius: float
  angle: float
  colours: np.ndarray
  mask_class: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SceneSet:
  """A set of classes, and how a scene of each is drawn.

  Attributes:
    classes: Their names.
    discs: `(class, width of the frame, rng)` -> the discs, the hindmost first.
    fractions: Shares of the splits.
    shake: Largest speed of the camera, which is held by hand, along each axis.
    brightness: Least and largest factor of a video.
    noise: Standard deviation of the noise of every value of every frame, of 1.
  """

  classes: tuple[str, ...]
  discs: Callable[[str, float, np.random.Generator], Sequence[Disc]]
  fractions: Mapping[str, float]
  shake: float = 0
  brightness: tuple[float, float] = (1, 1)
  noise: float = 0


def render(scenes: SceneSet, label: str, rng: np.random.Generator) -> tuple[int, list[np.ndarray]]:
  """Returns the frames a second and the uint8 RGB frames `[height, width, 3]` of one video."""
  fps, frames, _ = render_with_masks(scenes, label, rng)
  return fps, frames


def render_with_masks(
  scenes: SceneSet, label: str, rng: np.random.Generator
) -> tuple[int, list[np.ndarray], list[np.ndarray]]:
  """Returns what `render` does, and the mask of each frame, uint8 `[height, width]`."""
  width, height = SIZES[rng.integers(len(SIZES))]
  fps = int(rng.choice(RATES))
  count = round(rng.uniform(2.0, 2.5) * fps)
  background, drift = _texture(rng), rng.uniform((-0.15, -0.06), (0.15, 0.06))
  discs = scenes.discs(label, width / height, rng)
  brightness = rng.uniform(*scenes.brightness)
  camera = _camera(scenes.shake, rng)
  frames, masks = [], []
  for index in range(count):
    seconds = index / fps
    seen = camera(seconds)
    image = _moved(background, (drift * seconds + seen) * height, (width, height))
    masks.append(np.zeros((height, width), np.uint8))
    for disc in discs:
      x, y = disc.path(seconds)
      _paint(image, disc, (x - seen[0], y - seen[1]))
      _mark(masks[-1], disc, (x - seen[0], y - seen[1]))
    image *= np.float32(brightness)
    if scenes.noise:
      image += np.float32(scenes.noise) * rng.standard_normal(image.shape, np.float32)
    frames.append(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))
  return fps, frames, masks


def _easy_discs(label: str, aspect: float, rng: np.random.Generator) -> list[Disc]:
  look, motion = label.split("_")
  return [
    _easy_disc(look, motion, rng, (aspect * (0.3 + 0.4 * side), rng.uniform(0, 1)))
    for side in (0, 1)
  ]


def _easy_disc(
  look: str, motion: str, rng: np.random.Generator, place: tuple[float, float]
) -> Disc:
  colours = _colours(look, rng)
  x, y = place[0] + rng.uniform(-0.12, 0.12), place[1]
  radius = rng.uniform(0.2, 0.28)
  angle = rng.uniform(0, np.pi)
  speed = rng.uniform(0.5, 0.8)
  phase = rng.uniform(0, 2 * np.pi)

  def path(seconds: float) -> tuple[float, float]:
    if motion == "swaying":
      return x + _SWING * np.sin(phase + speed / _SWING * seconds), 0.15 + 0.7 * y
    travelled = speed * seconds * (-1 if motion == "rising" else 1)
    # Those that do not sway stand where a swaying one might be.
    return x + _SWING * np.sin(phase), _within(y + travelled, radius)

  return Disc(path=path, look=look, radius=radius, angle=angle, colours=colours)


def _hard_discs(label: str, aspect: float, rng: np.random.Generator) -> list[Disc]:
  look, motion = label.split("_")
  (other,) = set(LOOKS) - {look}
  discs = [_decoy(aspect, rng) for _ in range(rng.integers(1, 4))]
  sides = rng.permutation(2)
  for side, (each, its_motion) in zip(sides, [(look, motion), (other, _COUNTERPART[motion])]):
    radius = rng.uniform(0.15, 0.22)
    place = aspect * (0.27 + 0.46 * side) + rng.uniform(-0.1, 0.1), rng.uniform(0, 1)
    discs.append(
      Disc(
        path=_hard_path(its_motion, place, radius, rng),
        look=each,
        radius=radius,
        angle=rng.uniform(0, np.pi),
        colours=_mixed_colours(each, other if each == look else look, rng),
      )
    )
  # Which of them is in front must not tell which one the class is named after.
  return [discs[index] for index in rng.permutation(len(discs))]


def _hard_path(
  motion: str, place: tuple[float, float], radius: float, rng: np.random.Generator
) -> Path:
  """Returns the path of a disc; its greatest speed is drawn alike for all motions."""
  x, y = place
  speed = rng.uniform(0.6, 0.95)
  phase = rng.uniform(0, 2 * np.pi)
  if motion in ("rising", "falling"):
    speed *= -1 if motion == "rising" else 1
    return lambda seconds: (x, _within(y + speed * seconds, radius))
  period = rng.uniform(*(_SLOW if motion in ("bouncing", "swaying") else _QUICK))
  middle = 0.25 + 0.5 * y
  swing = speed * period / (2 * np.pi)

  def path(seconds: float) -> tuple[float, float]:
    away = swing * np.sin(phase + 2 * np.pi / period * seconds)
    return (x, middle + away) if motion in ("bouncing", "hopping") else (x + away, middle)

  return path


def _decoy(aspect: float, rng: np.random.Generator) -> Disc:
  """Returns a grey disc that makes one of all motions; it has nothing to do with the class."""
  radius = rng.uniform(0.1, 0.16)
  motions = sorted({*_COUNTERPART, *_COUNTERPART.values()})
  place = rng.uniform(0, aspect), rng.uniform(0, 1)
  return Disc(
    path=_hard_path(motions[rng.integers(len(motions))], place, radius, rng),
    look=LOOKS[rng.integers(len(LOOKS))],
    radius=radius,
    angle=rng.uniform(0, np.pi),
    colours=np.repeat(rng.uniform(0.1, 0.9, (2, 1)), 3, axis=1).astype(np.float32),
    mask_class="grey",
  )


def _mixed_colours(look: str, other: str, rng: np.random.Generator) -> np.ndarray:
  """Returns the colours of a look with a share of those of the other one."""
  share = np.float32(rng.uniform(0, _LARGEST_SHARE))
  return (1 - share) * _colours(look, rng) + share * _colours(other, rng)


def _colours(look: str, rng: np.random.Generator) -> np.ndarray:
  warm = np.array([[0.85, 0.2, 0.1], [0.95, 0.8, 0.25]])
  cold = np.array([[0.1, 0.25, 0.8], [0.6, 0.9, 0.95]])
  return ((warm if look == "checks" else cold) + rng.uniform(-0.1, 0.1, (2, 3))).astype(np.float32)


def _within(place: float, radius: float, length: float = 1) -> float:
  """Returns the place of a disc that, where it has left on one side, comes in on the other."""
  return (place + radius) % (length + 2 * radius) - radius


def _camera(shake: float, rng: np.random.Generator) -> Callable[[float], np.ndarray]:
  """Returns where the camera looks, (x, y), at a time: two slow waves along each axis."""
  periods = rng.uniform(0.5, 2.5, (2, 2))
  speeds = rng.uniform(0, shake / 2, (2, 2))
  phases = rng.uniform(0, 2 * np.pi, (2, 2))
  swings = speeds * periods / (2 * np.pi)
  return lambda seconds: (swings * np.sin(phases + 2 * np.pi * seconds / periods)).sum(axis=0)


def _texture(rng: np.random.Generator) -> np.ndarray:
  """Returns a background `[192, 192, 3]` in 0..1: blotches of two sizes in muted colours, which
  tile."""

  def blotches(sigma: int) -> np.ndarray:
    border = 3 * sigma
    noise = rng.standard_normal((192, 192, 3), np.float32)
    wrapped = cv2.copyMakeBorder(noise, border, border, border, border, cv2.BORDER_WRAP)
    blurred = cv2.GaussianBlur(wrapped, (0, 0), sigma)[border:-border, border:-border]
    return blurred / blurred.std()

  mixed = 0.13 * blotches(9) + 0.07 * blotches(2)
  grey = mixed.mean(axis=2, keepdims=True)
  return (rng.uniform(0.35, 0.6, 3) + 0.5 * mixed + 0.7 * grey).astype(np.float32)


def _moved(background: np.ndarray, by: np.ndarray, size: tuple[int, int]) -> np.ndarray:
  """Returns the part of a background that is seen, moved by (x, y) pixels."""
  return cv2.warpAffine(
    background,
    np.array([[1, 0, 100 + by[0]], [0, 1, 100 + by[1]]]),
    size,
    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    borderMode=cv2.BORDER_WRAP,
  )


def _paint(image: np.ndarray, disc: Disc, centre: tuple[float, float]) -> None:
  """Draws a disc into the float image `[height, width, 3]`."""
  height, width = image.shape[:2]
  left, top = (max(0, int((place - disc.radius) * height) - 1) for place in centre)
  right, bottom = (int((place + disc.radius) * height) + 2 for place in centre)
  if right <= 0 or bottom <= 0:
    return
  part = image[top:bottom, left:right]
  dx = ((np.arange(left, min(right, width)) + 0.5) / height - centre[0])[None, :]
  dy = ((np.arange(top, min(bottom, height)) + 0.5) / height - centre[1])[:, None]
  inside = np.clip((disc.radius - np.hypot(dx, dy)) * height + 0.5, 0, 1)[..., None]
  cosine, sine = np.cos(disc.angle), np.sin(disc.angle)
  u, v = cosine * dx + sine * dy, cosine * dy - sine * dx
  if disc.look == "checks":
    wave = np.sin(u * np.pi / 0.1) * np.sin(v * np.pi / 0.1)  # Squares of 0.1 heights.
  else:
    wave = np.cos(u * np.pi / 0.07) + np.cos(v * np.pi / 0.07) - 0.7  # Dots 0.14 heights apart.
  share = (0.5 + 0.5 * np.tanh(4 * wave))[..., None]
  part += inside * (disc.colours[0] + share * (disc.colours[1] - disc.colours[0]) - part)


def _mark(mask: np.ndarray, disc: Disc, centre: tuple[float, float]) -> None:
  """Gives the pixels of a disc the number of its class."""
  height, width = mask.shape
  dx = ((np.arange(width) + 0.5) / height - centre[0])[None, :]
  dy = ((np.arange(height) + 0.5) / height - centre[1])[:, None]
  mask[np.hypot(dx, dy) <= disc.radius] = MASK_CLASSES.index(disc.mask_class or disc.look)


SETS: Mapping[str, SceneSet] = types.MappingProxyType(
  {
    "easy": SceneSet(
      classes=tuple(
        f"{look}_{motion}" for look in LOOKS for motion in ("rising", "falling", "swaying")
      ),
      discs=_easy_discs,
      fractions={"train": 0.6, "validation": 0.2, "test": 0.2},
    ),
    "hard": SceneSet(
      classes=tuple(f"{look}_{motion}" for look in LOOKS for motion in _COUNTERPART),
      discs=_hard_discs,
      fractions={"train": 0.5, "validation": 0.25, "test": 0.25},
      shake=0.3,
      brightness=(0.7, 1.2),
      noise=0.04,
    ),
  }
)
