"""Compares what a request costs in Portcullis, nginx and HAProxy. The command is `benches/compare`."""
