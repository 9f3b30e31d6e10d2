"""What is measured, and its goals, which the project set itself. One `Row` for each line of the table."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Contestant:
    """A case of one environment. `label` is its name in the row; `cpu`: its figure is the CPU time of all threads.

    output: dtype and layout of its batches, where they are not the row's.
    """

    env: str
    case: str
    threads: int = 1
    name: str = ""
    cpu: bool = False
    output: str = ""

    @property
    def label(self) -> str:
        return self.name or self.env


@dataclass(frozen=True)
class Goal:
    """`subject` is "vary" for its own figure in the row's unit, else a contestant's label; `sense` is the good side.

    Ratios are taken round by round: subject / vary where they must be large, vary / subject where small.
    among: labels of which the fastest that was measured is meant; `subject` is what those are called together.
    every: the figure must hold in every round, not in the median one.
    """

    subject: str
    sense: str
    must: float
    aim: float
    among: tuple[str, ...] = ()
    every: bool = False


@dataclass(frozen=True)
class Row:
    """Contestants that are asked in turn, or the name of what whole processes are measured for (processes.py).

    optional: measured only if asked for by this word, `--with`.
    output: dtype and layout of the batches.
    """

    name: str
    title: str
    unit: str
    pictures: str
    contestants: tuple[Contestant, ...]
    goals: tuple[Goal, ...]
    process: str = ""
    optional: str = ""
    output: str = "float32 NCHW"


VARY = "vary"
BEFORE = {env: f"before-{env}".removesuffix("-vary") for env in ("vary", "tensorflow", "jax", "torch")}
"""Environments with vary, and those with an earlier vary that it is compared with, if asked for."""


def with_before(row: Row) -> Row:
    """The row with the earlier vary as one more contestant, which runs right after the present one."""
    contestants = []
    for one in row.contestants:
        contestants.append(one)
        if one.label == VARY:
            contestants.append(replace(one, env=BEFORE[one.env], name="before"))
    return replace(row, contestants=tuple(contestants))


def against(case: str, *peers: str) -> tuple[Contestant, ...]:
    return tuple(Contestant(env, case) for env in ("vary", *peers))


WARP = "flip + affine (±40°, shift 0.2, shear 11°, zoom 0.8-1.2)"
FLOOR = Contestant("opencv", "store", name="floor", output="float32 NCHW")
PEERS = ("albumentations", "augrs", "opencv")
CROPPERS = tuple(Contestant(env, "crop") for env in ("albumentations", "augrs", "torchvision"))

MAIN = "Resize, rotate 40°, shift 0.2, shear 11°, zoom 0.8-1.2, flip, Rescale"
BASE = Contestant("simplejpeg", "decode", 2, "decoding alone")
LOADERS = tuple(
    Contestant(env, "loader", 2, f"{env} + DataLoader") for env in ("torchvision", "albumentations", "albumentationsx")
)
CACHED_ARRAYS = Contestant("tensorflow", "arrays", 2, "cached arrays")
ALONE = Contestant("tensorflow", "alone", 2, "stream without training, CPU time", cpu=True)
THREADS = Contestant("vary", "cached224", 2, "threads")
PLANES = Contestant("vary", "warped_planes", name="float32 NCHW", output="float32 NCHW")
KERAS = "rotation 40, shifts 0.2, shear 11, zoom 0.2, flip, rescale"
FLOW = Contestant("vary", "flow")
CROPS = "RandomResizedCrop(224) + flip + Normalize"
BASES = {
    "arrays in memory",
    FLOOR.label,
    PLANES.label,
    "one thread",
    "the stream alone",
    BASE.label,
    CACHED_ARRAYS.label,
    ALONE.label,
    THREADS.label,
    "before",
}
"""Contestants that are not peers: they do less than vary, or are vary itself."""


def files(
    name: str, title: str, case: str, others: tuple[Contestant, ...], *goals: Goal, inputs: str = "photos"
) -> Row:
    """An epoch of JPEG files on two threads, in batches of 32."""
    return Row(name, title, "us a picture", inputs, (Contestant("vary", case, 2, VARY), *others), goals)


def ratio(subject: Contestant, must: float, aim: float) -> Goal:
    return Goal(subject.label, ">=", must, aim)


def fastest(called: str, among: tuple[Contestant, ...], must: float, aim: float) -> Goal:
    return Goal(called, ">=", must, aim, tuple(contestant.label for contestant in among))


def memory(case: str, title: str) -> Row:
    goal = Goal(VARY, "<=", 5, 0, every=True)
    return Row(
        f"memory-{case}", f"resident memory, growth over 50 epochs: {title}", "MiB", "photos", (), (goal,), "memory"
    )


def normalized(side: int, *goals: Goal) -> Row:
    return Row(
        f"normalize-{side}",
        f"{WARP} + Normalize to float32 NHWC, {side}x{side}",
        "us an image",
        f"pets-{side}",
        (*against("normalize", *PEERS), FLOOR),
        goals,
        output="float32 NHWC",
    )


def warped(side: int, *goals: Goal) -> Row:
    return Row(
        f"uint8-{side}",
        f"{WARP}, uint8 to uint8 NHWC, {side}x{side}",
        "us an image",
        f"pets-{side}",
        against("warped", *PEERS),
        goals,
        output="uint8 NHWC",
    )


def classic(name: str, title: str, unit: str, pictures: str, contestant: Contestant, *goals: Goal) -> Row:
    """`vary.keras` against keras-preprocessing: the same code of a user."""
    peer = replace(contestant, env="keras")
    title = f"`ImageDataGenerator.{title}"
    return Row(name, title, unit, pictures, (contestant, peer), goals, output="float32 NHWC")


def keras_fit(backend: str) -> Row:
    arrays = Contestant(backend, "fit_arrays", 2, "arrays in memory")
    return Row(
        f"keras-fit-{backend}",
        f"`model.fit(stream.as_keras())`, a CNN at 96x96, Keras on {backend}",
        "us a step",
        "pets-150",
        (Contestant(backend, "fit_stream", 2, VARY), arrays),
        (Goal(arrays.label, "<=", 1.05, 1.02),),
        output="float32 NHWC",
    )


def handed(framework: str, method: str) -> Row:
    """An epoch of the stream as a framework gets it, against the stream alone, in the same environment."""
    alone = Contestant(framework, "alone224", 2, "the stream alone")
    return Row(
        f"handed-{framework}",
        f"first epoch of JPEG files to 224x224 by `{method}()`, against the stream alone",
        "us a picture",
        "photos",
        (Contestant(framework, "handed", 2, VARY), alone),
        (Goal(alone.label, "<=", 1.02, 1.01),),
    )


def in_torch(name: str, title: str, case: str, must: float, aim: float) -> Row:
    loaders = tuple(one for one in LOADERS if one.env in ("torchvision", "albumentations"))
    goal = fastest("fastest DataLoader", loaders, must, aim)
    return Row(name, title, "us a picture", "photos", (Contestant("torch", case, 2, VARY), *loaders), (goal,))


def in_tar(name: str, title: str, case: str, must: float, aim: float) -> Row:
    """TurboLoader crops, flips and normalises: it has no free policy."""
    peer = Contestant("turboloader", case, 2)
    return Row(
        name,
        title,
        "us a picture",
        "photos",
        (Contestant("torch", f"{case}_crops", 2, VARY), peer),
        (ratio(peer, must, aim),),
    )


def layout(name: str, case: str, output: str, goal: Goal) -> Row:
    title = f"{WARP} to {output} against float32 NCHW, 224x224"
    return Row(name, title, "us an image", "pets-224", (Contestant("vary", case), PLANES), (goal,), output=output)


ROWS = (
    Row(
        "rescale-224",
        f"{WARP} + Rescale, 224x224",
        "us an image",
        "pets-224",
        (*against("affine", "keras", *PEERS), FLOOR),
        (Goal("keras", ">=", 35, 50),),
    ),
    Row(
        "rescale-150",
        f"{WARP} + Rescale, 150x150",
        "us an image",
        "pets-150",
        (*against("affine", "keras", *PEERS), FLOOR),
        (),
    ),
    normalized(224, Goal("albumentations", ">=", 8, 10), Goal("augrs", ">=", 5, 6), Goal("opencv", ">=", 3, 4)),
    normalized(150, Goal("albumentations", ">=", 5, 7), Goal("augrs", ">=", 5, 6), Goal("opencv", ">=", 3, 4)),
    warped(224, Goal("albumentations", ">=", 4, 6), Goal("augrs", ">=", 4, 6), Goal("opencv", ">=", 1.8, 2.5)),
    warped(150, Goal("albumentations", ">=", 4, 6), Goal("augrs", ">=", 4, 6), Goal("opencv", ">=", 1.8, 2.5)),
    layout("layout-float32", "warped_floats", "float32 NHWC", Goal(PLANES.label, "<=", 1.15, 1.05)),
    layout("layout-uint8", "warped", "uint8 NHWC", Goal(PLANES.label, "<=", 1.1, 0.95)),
    Row(
        "strict-224",
        "five transforms, each resampled by itself (`strict=True`), uint8 to uint8 NHWC, 224x224",
        "us an image",
        "pets-224",
        against("strict", "albumentations"),
        (Goal("albumentations", ">=", 1, 2),),
        output="uint8 NHWC",
    ),
    Row(
        "crop-224",
        "RandomResizedCrop(224) + flip + ColorJitter(.4, .4, .4, .1) + Normalize to NHWC, photos of about 400x533",
        "us an image",
        "clothing",
        (*against("crop"), *CROPPERS),
        (fastest("fastest peer", CROPPERS, 2.8, 4),),
        output="float32 NHWC",
    ),
    Row(
        "overhead-batch",
        "draw, lower and binding: a batch of 32 pictures of 8x8",
        "us an image",
        "tiny",
        against("affine"),
        (Goal(VARY, "<=", 8, 3),),
    ),
    Row(
        "overhead-call",
        "`policy(image)` on a picture of 8x8",
        "us a call",
        "tiny",
        against("calls"),
        (Goal(VARY, "<=", 40, 15),),
    ),
    Row(
        "threads-public",
        "two threads against one, `policy.batch`, 224x224",
        "us an image",
        "pets-224",
        (Contestant("vary", "normalize", 2, VARY), Contestant("vary", "normalize", 1, "one thread")),
        (Goal("one thread", ">=", 1.7, 1.9),),
        output="float32 NHWC",
    ),
    Row(
        "threads-native",
        "two threads against one, native execute alone, 224x224",
        "us an image",
        "pets-224",
        (Contestant("vary", "execute", 2, VARY), Contestant("vary", "execute", 1, "one thread")),
        (Goal("one thread", ">=", 1.85, 1.95),),
    ),
    files("files-150", f"first epoch of JPEG files: {MAIN}, 150x150", "files150", (BASE,), ratio(BASE, 1.15, 1.3)),
    files("files-224", f"first epoch of JPEG files: {MAIN}, 224x224", "files224", (BASE,), ratio(BASE, 0.95, 1.05)),
    files("files-views", "the same, four views of each file", "views", (BASE,), ratio(BASE, 2, 3)),
    files(
        "files-crops",
        "RandomResizedCrop(224) + flip + Normalize of JPEG files of 4.3 megapixels",
        "crops",
        (BASE,),
        ratio(BASE, 1.6, 1.9),
        inputs="mosaics",
    ),
    files(
        "files-loader",
        "first epoch to 150x150, against loaders",
        "files150",
        LOADERS,
        fastest("fastest DataLoader", LOADERS, 2, 3),
    ),
    files(
        "files-cached",
        "later epochs to 150x150, decoded files kept in memory, against loaders",
        "cached",
        LOADERS,
        fastest("fastest DataLoader", LOADERS, 15, 20),
    ),
    files(
        "files-process",
        "`process=True`, decoded files kept in memory, to 224x224, a consumer that does nothing",
        "process224",
        (THREADS,),
        ratio(THREADS, 0.9, 1),
    ),
    Row(
        "train-32",
        "training a small CNN at 32x32, batches of 32",
        "us a step",
        "thumbs",
        (Contestant("tensorflow", "stream", 2, VARY), CACHED_ARRAYS, ALONE),
        (Goal(CACHED_ARRAYS.label, "<=", 1.05, 1.02),),
    ),
    classic(
        "keras-flow-150",
        f"flow`, {KERAS}, 150x150, one core",
        "us an image",
        "pets-150",
        FLOW,
        Goal("keras", ">=", 40, 55),
    ),
    classic(
        "keras-flow-224",
        f"flow`, {KERAS}, 224x224, one core",
        "us an image",
        "pets-224",
        FLOW,
        Goal("keras", ">=", 40, 55),
    ),
    classic(
        "keras-flow-32",
        f"flow` of 50,000 images, {KERAS}, 32x32, one core",
        "us an image",
        "thumbs",
        replace(FLOW, case="flow32"),
        Goal("keras", ">=", 15, 25),
    ),
    classic(
        "keras-first",
        f"flow_from_directory`, first epoch, {KERAS}, 150x150",
        "us a picture",
        "photos",
        Contestant("vary", "first", 2),
        Goal("keras", ">=", 7, 10),
    ),
    classic(
        "keras-later",
        f"flow_from_directory`, later epochs, {KERAS}, 150x150",
        "us a picture",
        "photos",
        Contestant("vary", "later", 2),
        Goal("keras", ">=", 50, 80),
    ),
    classic(
        "keras-frame",
        "flow_from_dataframe` of 150,000 rows to its first batch, names validated",
        "us a row",
        "rows",
        Contestant("vary", "frame", 2),
        Goal("keras", ">=", 2.5, 5),
    ),
    *(keras_fit(backend) for backend in ("tensorflow", "jax", "torch")),
    *(handed(*one) for one in (("torch", "as_torch"), ("jax", "as_jax"), ("tensorflow", "as_tf"))),
    in_torch("torch-first", "`as_torch()`, first epoch to 150x150, against loaders", "first", 2, 3),
    in_torch("torch-cached", "`as_torch()`, later epochs to 150x150, against loaders", "later", 12, 15),
    in_tar("torch-first-tar", f"`as_torch()`, first epoch, {CROPS}, files against a tar", "first", 2, 3),
    in_tar("torch-cached-tar", f"`as_torch()`, later epochs, {CROPS}, files against a tar", "later", 12, 15),
    Row(
        "keras-zca",
        "`fit` with `zca_whitening` on 600 photos at 224x224x3: growth of the peak of resident memory",
        "MiB",
        "photos",
        (),
        (Goal(VARY, "<=", 1024, 1024, every=True),),
        "peak",
    ),
    memory("cached", "files, decoded ones kept in memory, what the cache added taken off"),
    memory("files", "files, nothing kept"),
    memory("arrays", "arrays"),
    Row(
        "start",
        "process start to the first batch of 32 at 150x150, 600 photos",
        "ms",
        "photos",
        (),
        (Goal(VARY, "<=", 200, 120),),
        "start",
    ),
    Row(
        "scale",
        "process start to the first batch of 32 at 224x224, a million files in a saved listing",
        "ms",
        "million",
        (),
        (Goal(VARY, "<=", 1000, 1000),),
        "listed",
        optional="scale",
    ),
    Row(
        "import",
        "`from vary import Policy, Rotate, stream` beyond `import numpy`, whole processes",
        "ms",
        "",
        (),
        (Goal(VARY, "<=", 40, 10),),
        "import",
    ),
)
