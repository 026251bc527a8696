"""What unlabeled data is made of: the most unusual days of several stocks, and of a DataFrame the most unusual row.

python examples/structure.py
"""

import numpy as np
import pandas as pd

import seqlab

few = {"max_steps": 100, "hidden_size": 16, "threads": 1, "seed": 0}

# Days: an autoencoder reads the returns of these stocks over five days. What it cannot reproduce is unusual.
days = seqlab.structure(["AAPL", "KO", "XOM"], offline=True, window=5, **few)
print(days.to_frame().nlargest(5, "error"))

# Rows: two columns that follow each other, and a row 77 that does not.
chance = np.random.default_rng(0)
x = chance.normal(size=300)
rows = pd.DataFrame({"x": x, "y": 2 * x + 0.1 * chance.normal(size=300), "z": -x})
rows.loc[76, "y"] = -8.0
found = seqlab.structure(rows, **few)
print("explained variance", found.to_dict()["explained"])
print("most unusual row:", found.to_dict()["unusual"][0]["row"])
