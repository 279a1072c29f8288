"""A forest from a CSV file: cross-validated, written with joblib, read back and measured."""

import json

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

table = np.loadtxt("points.csv", delimiter=",", skiprows=1)
points, labels = table[:, :3], table[:, 3]
model = RandomForestClassifier(n_estimators=20, max_depth=4, random_state=0)
print("cross-validated", np.round(cross_val_score(model, points[:300], labels[:300], cv=3), 3))
model.fit(points[:300], labels[:300])
joblib.dump(model, "model.joblib", compress=3)
np.savez("split.npz", train=points[:300], test=points[300:])

model = joblib.load("model.joblib")
auc = roc_auc_score(labels[300:], model.predict_proba(np.load("split.npz")["test"])[:, 1])
with open("eval.json", "w") as file:
    json.dump({"auc": round(float(auc), 6)}, file)
print(f"auc {auc:.3f}")
