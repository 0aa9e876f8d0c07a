"""Data sets short enough for a page: the beginning of the real ones where they are at hand, made-up ones where not."""
import gzip
import os
import random
import struct

FASHION = "/usr/share/datasets/fashion-mnist"


DARK = bytes(value * 60 // 256 for value in range(256))
BRIGHT = bytes(150 + value * 100 // 256 for value in range(256))


def open_either(folder, name):
    plain = os.path.join(folder, name)
    return open(plain, "rb") if os.path.exists(plain) else gzip.open(plain + ".gz", "rb")


def made_up_picture(label, height, width, channels, draw):
    """A bar whose place is the class's, on noise: learnt in a few steps, and not at once."""
    pixels = bytearray(draw.randbytes(height * width * channels).translate(DARK))
    top = 2 + label * (height - 6) // 10 + draw.randrange(2)
    for y in range(top, top + 3):
        begin, end = (y * width + 3) * channels, (y * width + width - 3) * channels
        pixels[begin:end] = draw.randbytes(end - begin).translate(BRIGHT)
    return pixels


def idx_files(folder, split, count, source):
    """The two files of one part of a data set in MNIST's format."""
    images, labels = f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"
    if source:
        with open_either(source, images) as file:
            pixels = file.read(16 + count * 784)[16:]
        with open_either(source, labels) as file:
            classes = file.read(8 + count)[8:]
    else:
        draw = random.Random(split)
        classes = bytes(i % 10 for i in range(count))
        pixels = b"".join(made_up_picture(c, 28, 28, 1, draw) for c in classes)
    if len(pixels) != count * 784:
        raise RuntimeError(f"{source} has fewer than {count} pictures")
    with open(os.path.join(folder, images), "wb") as file:
        file.write(struct.pack(">IIII", 2051, count, 28, 28) + pixels)
    with open(os.path.join(folder, labels), "wb") as file:
        file.write(struct.pack(">II", 2049, count) + classes)


def cifar_files(folder, train, test):
    """CIFAR-10's binary layout: a byte for the class, then the planes red, green and blue."""
    def write(name, count):
        draw = random.Random(name)
        with open(os.path.join(folder, name), "wb") as file:
            for i in range(count):
                pixels = made_up_picture(i % 10, 32, 32, 3, draw)
                file.write(bytes([i % 10]) + pixels[0::3] + pixels[1::3] + pixels[2::3])
    for batch in range(1, 6):
        write(f"data_batch_{batch}.bin", train // 5)
    write("test_batch.bin", test)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    with open(os.path.join(folder, "batches.meta.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(names) + "\n")


def write_all(folder, pictures):
    """Writes the data sets below `folder`, with so many training pictures and half as many for the test.
    Returns where the pictures are from, in words."""
    mnist = os.environ.get("ESPALIER_MNIST")
    sources = {"mnist": mnist if mnist and os.path.isdir(mnist) else None,
               "fashion-mnist": FASHION if os.path.isdir(FASHION) else None}
    for name, source in sources.items():
        place = os.path.join(folder, name)
        os.makedirs(place, exist_ok=True)
        idx_files(place, "train", pictures, source)
        idx_files(place, "t10k", pictures // 2, source)
    place = os.path.join(folder, "cifar-10-batches-bin")
    os.makedirs(place, exist_ok=True)
    cifar_files(place, pictures, pictures // 2)
    return ", ".join(f"{name} {'real' if source else 'made up'}" for name, source in sources.items()) + ", cifar10 made up"
