"""What comes from elsewhere: downloads, the catalogue of public corpora, the store of pretrained vectors."""
