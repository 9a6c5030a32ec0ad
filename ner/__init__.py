"""A BiLSTM-CRF named-entity recognizer."""
