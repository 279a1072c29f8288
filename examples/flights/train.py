"""Step 3: train a classifier of late arrivals, and write it to `models/delay.joblib`."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier

from common import FEATURES, LABEL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=6, help="depth of each tree")
    args = parser.parse_args()

    config = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))
    train = pd.read_parquet("features/train.parquet")
    model = HistGradientBoostingClassifier(
        learning_rate=config["learning_rate"],
        max_iter=config["max_iter"],
        max_depth=args.depth,
        min_samples_leaf=config["min_samples_leaf"],
        categorical_features="from_dtype",
        early_stopping=False,
        random_state=config["seed"],
    )
    model.fit(train[FEATURES], train[LABEL])

    Path("models").mkdir(exist_ok=True)
    joblib.dump(model, "models/delay.joblib", compress=3)
    print(f"trained on {len(train)} flights: {model.n_iter_} trees of depth {model.max_depth}")


if __name__ == "__main__":
    main()
