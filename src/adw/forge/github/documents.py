"""The GraphQL this client sends, all of it: only what GitHub's REST interface cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_COMMENT = "id databaseId body createdAt url author { login __typename }"
_PAGE = "pageInfo { hasNextPage endCursor }"

VIEWER = "query Viewer { viewer { login } }"

THREADS = f"""
query Threads($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      reviewThreads(first: 50, after: $after) {{
        {_PAGE}
        nodes {{
          id isResolved isOutdated path line originalLine
          comments(first: 50) {{ {_PAGE} nodes {{ {_COMMENT} }} }}
        }}
      }}
    }}
  }}
}}
"""

THREAD_COMMENTS = f"""
query ThreadComments($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on PullRequestReviewThread {{
      comments(first: 100, after: $after) {{ {_PAGE} nodes {{ {_COMMENT} }} }}
    }}
  }}
}}
"""

RESOLVE_THREAD = """
mutation ResolveThread($id: ID!) {
  resolveReviewThread(input: {threadId: $id}) { thread { id isResolved } }
}
"""

MARK_READY = """
mutation MarkReady($id: ID!) {
  markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { id isDraft } }
}
"""

MARK_DRAFT = """
mutation MarkDraft($id: ID!) {
  convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { id isDraft } }
}
"""

ENABLE_AUTO_MERGE = """
mutation EnableAutoMerge(
  $id: ID!, $method: PullRequestMergeMethod!, $sha: GitObjectID!, $title: String, $text: String
) {
  enablePullRequestAutoMerge(
    input: {pullRequestId: $id, mergeMethod: $method, expectedHeadOid: $sha, commitHeadline: $title, commitBody: $text}
  ) { pullRequest { id autoMergeRequest { enabledAt } } }
}
"""

DISABLE_AUTO_MERGE = """
mutation DisableAutoMerge($id: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { id } }
}
"""

DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "Viewer": VIEWER,
        "Threads": THREADS,
        "ThreadComments": THREAD_COMMENTS,
        "ResolveThread": RESOLVE_THREAD,
        "MarkReady": MARK_READY,
        "MarkDraft": MARK_DRAFT,
        "EnableAutoMerge": ENABLE_AUTO_MERGE,
        "DisableAutoMerge": DISABLE_AUTO_MERGE,
    }
)
"""Each document by the name of its operation."""
