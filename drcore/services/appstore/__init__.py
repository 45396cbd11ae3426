"""App Store Connect: versions of an app, phased release, reviews, territories, webhooks. It knows no crashes."""
