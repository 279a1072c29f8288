"""Step 4: measure the model on the held-out days, and write `eval.json`."""

import json
from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from common import FEATURES, LABEL


def main() -> None:
    holdout = pd.read_parquet("features/holdout.parquet")
    model = joblib.load("models/delay.joblib")
    late = model.predict_proba(holdout[FEATURES])[:, 1]
    scores = {
        "auc": roc_auc_score(holdout[LABEL], late),
        "average_precision": average_precision_score(holdout[LABEL], late),
        "brier": brier_score_loss(holdout[LABEL], late),
        "logloss": log_loss(holdout[LABEL], late),
        "flights": len(holdout),
    }
    Path("eval.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    print(f"auc {scores['auc']:.3f}  logloss {scores['logloss']:.3f}  on {len(holdout)} flights")


if __name__ == "__main__":
    main()
