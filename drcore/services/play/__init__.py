"""Google Play: the tracks of an app, its recovery actions, its vitals."""
