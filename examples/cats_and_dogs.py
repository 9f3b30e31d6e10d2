"""Train the classic small network to tell cats from dogs, with ImageDataGenerator on vary's core.

    make example                                 # without pictures: crops of four sample photographs
    make example DATA=cats_dogs EPOCHS=30        # your pictures, in one sub-folder for each class
    make example BACKEND=torch                   # or tensorflow; jax by default

DATA may also contain the folders `train` and `validation` (or `val`) with such sub-folders; otherwise a fifth of each
class validates. In an environment of your own, install keras, jax and matplotlib, and give the folder as --data.
"""

import argparse
import tempfile
import time
from pathlib import Path

import keras
from keras import layers
from matplotlib.figure import Figure

import vary
from vary.apps.inputs import sample_folder
from vary.keras import DirectoryIterator, ImageDataGenerator, save_img


def pictures(folder: Path, size: int) -> tuple[DirectoryIterator, DirectoryIterator]:
    """Pictures for training, varied anew in each epoch, and plain ones for validation."""
    held_out = next((folder / name for name in ("validation", "val") if (folder / name).is_dir()), None)
    varied = ImageDataGenerator(
        rescale=1 / 255,
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=11,
        zoom_range=0.2,
        horizontal_flip=True,
        validation_split=0 if held_out else 0.2,
    )
    options = {"target_size": (size, size), "batch_size": 20, "class_mode": "sparse", "seed": 7}
    if held_out is None:  # subset="validation" is not varied
        train = varied.flow_from_directory(folder, subset="training", **options)
        return train, varied.flow_from_directory(folder, subset="validation", shuffle=False, **options)
    train = varied.flow_from_directory(folder / "train", **options)
    plain = ImageDataGenerator(rescale=1 / 255)
    return train, plain.flow_from_directory(held_out, shuffle=False, classes=[*train.class_indices], **options)


def network(size: int, classes: int) -> keras.Model:
    model = keras.Sequential([keras.Input((size, size, 3))])
    for channels in (32, 64, 128, 128):
        model.add(layers.Conv2D(channels, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dropout(0.5), layers.Dense(256, activation="relu")):
        model.add(layer)
    model.add(layers.Dense(classes, activation="softmax"))
    model.compile(keras.optimizers.Adam(5e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def draw_curves(history: dict[str, list[float]], file: Path) -> None:
    figure = Figure((9, 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axes.plot(epochs, history[name], "o-", label="training")
        axes.plot(epochs, history[f"val_{name}"], "o-", label="validation")
        axes.set(xlabel="epoch", title=name)
        axes.locator_params("x", integer=True)
        axes.legend()
    figure.savefig(file, dpi=120)


def seconds_of_pictures(train: DirectoryIterator) -> float:
    """The time that the batches of an epoch take without a network."""
    began = time.perf_counter()
    for _ in range(len(train)):
        next(train)
    return time.perf_counter() - began


def sample_pictures(folder: Path) -> None:
    """50 random crops of each of scikit-image's photographs, as classes: which photograph is a crop from?"""
    crop = vary.Policy([vary.RandomResizedCrop(150, 150, scale=(0.1, 0.4))])
    with sample_folder(1) as photographs:
        for photograph in sorted(photographs.rglob("*.jpg")):
            crops, image = folder / photograph.parent.name, vary.read_image(photograph)
            crops.mkdir()
            for index in range(50):
                save_img(crops / f"{index}.jpg", crop(image, seed=7, index=index))


def run(folder: Path, *, epochs: int, size: int, curves: Path) -> keras.Model:
    """Train, draw the curves, and print accuracies and times."""
    keras.utils.set_random_seed(7)
    train, validation = pictures(folder, size)
    model = network(size, train.num_classes)
    began = time.perf_counter()
    history = model.fit(train, validation_data=validation, epochs=epochs).history
    epoch, alone = (time.perf_counter() - began) / epochs, seconds_of_pictures(train)
    draw_curves(history, curves)
    print(
        f"accuracy: training {history['accuracy'][-1]:.0%}, validation {history['val_accuracy'][-1]:.0%}; "
        f"an epoch took {epoch:.1f} s, its pictures alone take {alone:.2f} s; curves: {curves}"
    )
    return model


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="folder with a sub-folder for each class")
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--size", type=int, default=150, help="height and width in pixels")
    options.add_argument("--curves", type=Path, default=Path("cats_and_dogs.png"), help="the picture to draw")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.data is None:
            sample_pictures(Path(folder))
        run(given.data or Path(folder), epochs=given.epochs, size=given.size, curves=given.curves)


if __name__ == "__main__":
    main()
