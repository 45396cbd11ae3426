"""The way out: every call to AWS or over HTTP, admitted or stopped, then noted."""
