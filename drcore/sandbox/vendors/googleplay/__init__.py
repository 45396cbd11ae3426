"""Google Play, as Google's discovery documents have it: publishing, app recovery, vitals."""
