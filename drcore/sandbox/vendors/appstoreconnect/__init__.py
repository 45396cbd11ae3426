"""App Store Connect, as Apple's description of its API (4.4) has it: versions, phased release, reviews, webhooks.

There are no crashes of App Store users anywhere in that API, so that there are none here.
"""
