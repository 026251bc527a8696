"""Predict a column of a DataFrame: classes with probabilities, and numbers with a 90 % interval.

python examples/tables.py
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import seqlab

# Made-up houses: the price is a sum of size, place and chance; whether it sells depends on price and size.
chance = np.random.default_rng(0)
places = chance.choice(["centre", "edge", "village"], 400)
houses = pd.DataFrame({"size": chance.uniform(40, 200, 400), "place": places})
houses["price"] = 2.0 * houses["size"] + houses["place"].map({"centre": 120, "edge": 60, "village": 0})
houses["price"] += chance.normal(scale=15, size=400)
houses["sold"] = np.where(houses["price"] < 1.5 * houses["size"] + 90, "yes", "no")

with tempfile.TemporaryDirectory() as folder:
    classes = seqlab.train_mlp(houses, "sold", folder=Path(folder) / "sold", threads=1).result()
    figures = classes.to_dict()
    print(f"accuracy {figures['accuracy']:.2f}, constant {figures['baselines']['constant']['accuracy']:.2f}")
    print(classes.predict(houses[:3]), classes.predict_proba(houses[:3]))

    prices = seqlab.train_mlp(houses.drop(columns="sold"), "price", folder=Path(folder) / "price", threads=1).result()
    print(f"R2 {prices.to_dict()['r2']:.2f}")
    print(prices.predict_frame(houses[:3]).to_frame())
    print(prices.importance(houses))
