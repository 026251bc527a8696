"""What unlabeled data is made of: the most unusual days of several stocks, and of a DataFrame the most unusual row.

python examples/structure.py
"""

import numpy as np
import pandas as pd

import seqlab

few = {"max_steps": 200, "hidden_size": 16, "threads": 1, "seed": 0}

# Days: an autoencoder reads the returns of these stocks over five days. What it cannot reproduce is unusual.
days = seqlab.structure(["AAPL", "KO", "XOM"], offline=True, window=5, **few)
print(days.to_frame().nlargest(5, "error"))

# Rows: five columns made of two numbers and a little noise, and a row 77 whose sum is none.
chance = np.random.default_rng(0)
a, b = chance.normal(size=(2, 300))
rows = pd.DataFrame({"a": a, "b": b, "sum": a + b, "difference": a - b, "double": 2 * a + b})
rows += 0.1 * chance.normal(size=rows.shape)
rows.loc[76, "sum"] = 6.0
found = seqlab.structure(rows, **few)
print("explained variance", found.to_dict()["explained"])
print("most unusual row:", found.to_dict()["unusual"][0]["row"])
