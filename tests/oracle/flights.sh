# The four steps of examples/flights on some days of January.
set -e
python ingest.py --from 2013-01-02 --to 2013-01-09
python features.py --hold-out 7
python train.py --depth 3
python evaluate.py
