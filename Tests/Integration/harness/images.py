"""Images for instances that are to get another one."""


def other_image(engine, image, name="boathook-test-other:1"):
    """The same programs under another name; the variable MADE_OF tells the two apart."""
    container = engine.docker("create", image, "bash").stdout.decode().strip()
    try:
        engine.docker("commit", "--change", f"ENV MADE_OF={name}", container, name)
    finally:
        engine.docker("rm", container)
    return name
