"""How the installation is: its queues, workers, sweeper and storage, for the System page and for Prometheus."""
