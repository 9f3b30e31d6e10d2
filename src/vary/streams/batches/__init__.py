"""Makes a batch from its positions: samples are read, varied, and put into arrays with their labels."""
