"""Refusals of what lies beside the apps: people, devices, the System Log, event hooks, bad days.

Knows wording and status only, as `errors` does for the rest.
"""

from collections.abc import Iterable

from keyturn.sandbox.errors import OktaError, validation_failed


def login_failed() -> OktaError:
    """Return 401 for a log-in that failed, whatever was wrong."""
    return OktaError(401, "E0000004", "Authentication failed")


def invalid_user(causes: Iterable[str]) -> OktaError:
    """Return 400 for a person who lacks something."""
    return OktaError(400, "E0000001", "Api validation failed: login", causes=causes)


def user_state(rule: str) -> OktaError:
    """Return 400 for a step that a person's status forbids."""
    return validation_failed("user", rule)


def already_active() -> OktaError:
    """Return 403 for activating a person who is active."""
    summary = "Activation failed because the user is already active"
    return OktaError(403, "E0000016", summary)


def unlock_forbidden() -> OktaError:
    """Return 403 for unlocking a person who is not locked out."""
    return OktaError(403, "E0000032", "Unlock is not allowed for this user.")


def device_state() -> OktaError:
    """Return 403 for a step that a device's status forbids."""
    summary = "Illegal device status, cannot perform action."
    return OktaError(403, "E0000152", summary)


def invalid_search(cause: str) -> OktaError:
    """Return 400 for a search that cannot be answered."""
    return OktaError(400, "E0000031", "Invalid search criteria.", causes=[cause])


def invalid_log_query(summary: str) -> OktaError:
    """Return 400 for a query that the System Log does not take."""
    return OktaError(400, "E0000053", summary)


def invalid_date(parameter: str) -> OktaError:
    """Return 400 for a time that the System Log cannot read."""
    causes = (
        (
            "The date format in your query is not recognized. "
            "Please enter dates using ISO8601 string format."
        ),
        "must be a valid date-time or empty.",
    )
    summary = " ".join(f"'{parameter}': {cause}" for cause in causes)
    return OktaError(
        400,
        "E0000001",
        f"Api validation failed: {summary}",
        causes=[f"{parameter}: {cause}" for cause in causes],
    )


def bad_keywords(rule: str) -> OktaError:
    """Return 400 for keywords that are too many or too long."""
    return OktaError(400, "E0000001", f"Api validation failed: 'q': {rule}")


def unsupported_combination(operator: str, attribute: str) -> OktaError:
    """Return 400 for an operator that the System Log does not take with this attribute."""
    summary = (
        "The supplied combination of operator and field is not currently supported. "
        f"Operator: {operator}, Field: {attribute}"
    )
    return OktaError(400, "E0000031", summary)


def active_hook_kept() -> OktaError:
    """Return the refusal to delete an ACTIVE event hook."""
    return validation_failed("eventHook", "You can't delete an active event hook.")


def unverified_hook(cause: str) -> OktaError:
    """Return 400 for an event hook whose endpoint did not answer its challenge."""
    return validation_failed("eventHook", cause)


# --- requests, and an org that cannot serve them -------------------------------------------------


def invalid_parameter(name: str) -> OktaError:
    """Return 400 for a query parameter with a value that nobody knows."""
    return validation_failed("RequestParams", f"{name}: Invalid value.")


def not_acceptable() -> OktaError:
    """Return 400 for a caller that takes no JSON in answer."""
    summary = (
        "Bad request. Accept and/or Content-Type headers likely do not match supported values."
    )
    return OktaError(400, "E0000019", summary)


def invalid_session() -> OktaError:
    """Return 403 for a browser whose session is over."""
    return OktaError(403, "E0000005", "Invalid session")


def feature_off() -> OktaError:
    """Return 401 for a part of Okta that the org does not have."""
    summary = "You do not have permission to access the feature you are requesting"
    return OktaError(401, "E0000015", summary)


def read_only() -> OktaError:
    """Return 503 for a change while the org only answers questions."""
    return OktaError(503, "E0000010", "Service is in read only mode")


def reconciling() -> OktaError:
    """Return 423 for a change while the org puts its policies in order."""
    summary = "Policy priorities are being reconciled. Please try again later."
    return OktaError(423, "E0000239", summary)


def org_full() -> OktaError:
    """Return 400 for an app too many."""
    cause = "Cannot create application instance. Maximum number of instances has been reached."
    return validation_failed("generalSettings", cause)
