// NeuralScope
