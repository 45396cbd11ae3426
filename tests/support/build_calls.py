"""Arguments for the functions of drcore/services that build or deploy: codebuild.py, codepipeline.py."""

BUILDS = {
    "codebuild.region": "us-west-2",
    "codebuild.project": "syncwell-mobile",
    "codebuild.source": "mobile/4.10.0",
    "codebuild.variables": {"VERSION": "4.10.1"},
    "codebuild.token": "asked",
    "codepipeline.pipeline": "syncwell-backend",
    "codepipeline.stage": "Deploy",
}
