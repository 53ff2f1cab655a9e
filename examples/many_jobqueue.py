"""Fit sites on a SLURM cluster: python examples/many_jobqueue.py sites.csv runs/."""

import sys

import bayes_tbm as bt


def main() -> None:
    """Start workers as they are needed, and fit."""
    from dask_jobqueue import SLURMCluster
    from distributed import Client

    cluster = SLURMCluster(
        cores=1, processes=1, memory="3GB", walltime="02:00:00",
        worker_extra_args=["--lifetime", "115m", "--lifetime-stagger", "4m"],
    )  # fmt: skip
    cluster.adapt(minimum=0, maximum=200)
    with Client(cluster) as client:
        found = bt.fit_many(
            sys.argv[1], ["gpp", "nbe", "et", "lai"], folder=sys.argv[2], executor=client
        )
    print(found.counts)


if __name__ == "__main__":
    main()
