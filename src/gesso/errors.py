"""Every error that Gesso raises on purpose.

    GessoError
    +-- InputError (ValueError)            a value that the caller gave cannot be used
    |   +-- PromptError                    the prompt is empty, too long, or not a conversation
    |   +-- SettingError                   a sampler or generation setting is out of its range
    +-- CheckpointError                    files on disk do not describe a usable model
    |   +-- ModelNotFoundError             no such folder, hub id or bundled name
    |   +-- ConfigError (ValueError)       config.json is missing, broken, or of another model
    |   +-- TensorError                    a tensor is missing, surplus, misshapen, truncated or of an unusable dtype
    +-- OutputError                        a file or folder cannot be written
    +-- QueueFullError                     too many requests wait already
    +-- GenerationError                    the model produced something that is not a number
    +-- DataError (ValueError)             training data is broken; names the file and line
    +-- TrainingError                      a training run cannot start or go on

A message names the value that was wrong and the remedy, in one line. The command line prints it without a traceback;
`InputError` ends with exit status 2 (the words were wrong), every other with 1 (the work failed).
"""


class GessoError(Exception):
    """Base of all errors that Gesso raises on purpose."""


class InputError(GessoError, ValueError):
    """A value that the caller gave cannot be used."""


class PromptError(InputError):
    """The prompt is empty, too long, or not a conversation."""


class SettingError(InputError):
    """A sampler or generation setting is out of its range."""


class CheckpointError(GessoError):
    """Files on disk do not describe a usable model."""


class ModelNotFoundError(CheckpointError):
    """There is no such folder, hub id or bundled name."""


class ConfigError(CheckpointError, ValueError):
    """A configuration file is missing, broken, or describes another kind of model."""


class TensorError(CheckpointError):
    """A tensor is missing, surplus, misshapen, truncated or of an unusable dtype."""


class OutputError(GessoError):
    """A file or folder cannot be written."""


class QueueFullError(GessoError):
    """So many requests wait already that another one would wait in vain."""


class GenerationError(GessoError):
    """The model produced something that is not a number, so there is no text to give."""


class DataError(GessoError, ValueError):
    """Training data is broken; the message names the file and the line."""


class TrainingError(GessoError):
    """A training run cannot start or cannot go on."""
