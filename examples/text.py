"""Train a character model on seqlab's own source files for a few steps, and write with one that ships.

python examples/text.py
"""

import tempfile
from pathlib import Path

import seqlab

source = Path(seqlab.__file__).parent

with tempfile.TemporaryDirectory() as folder:
    task = seqlab.train_text(
        f"{source}/models/*.py",
        folder=Path(folder) / "own",
        max_steps=60,
        hidden_size=64,
        num_layers=1,
        eval_every=20,
        threads=1,
    )
    for event in task:  # what is going on: notes, and a Progress after every step
        record = getattr(event, "record", None)
        if record:
            print(f"step {record['step']}: {record['val_bits_per_char']:.2f} bits per character")
    model = task.result()
    print(f"held-out tenth: {model.to_dict()['bits_per_char']:.2f} bits per character")
    print(model.generate(prompt="def ", length=80, seed=1, temperature=0.7))

linux = seqlab.load("linux", threads=1)  # it ships with seqlab
print(linux.generate(prompt="static int ", length=200, seed=1, temperature=0.8))
print(f"{linux.score('return 0;').bits_per_char:.2f} bits per character of 'return 0;'")
