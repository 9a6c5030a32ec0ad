"""One task of a running Label Studio, pre-annotated by a running `ner serve`, over Label Studio's own HTTP API.

`python check_label_studio_task.py STUDIO BACKEND EMAIL PASSWORD`, with both addresses as `http://HOST:PORT`. It makes a
project, connects the backend, imports a task, and takes it as an annotator's page does; then it deletes the project.
Label Studio connects to addresses of its own machine or network only with `ML_BLOCK_LOCAL_IP=false` and, for the
webhook beside each backend, `SSRF_PROTECTION_ENABLED=false` in its environment.
"""

import sys
from typing import Any

import httpx

CONFIG = """<View>
  <Labels name="kind" toName="body"><Label value="Person" predicted_values="PER"/><Label value="LOC"/></Labels>
  <Text name="body" value="$text"/>
</View>"""
TEXT = "Angela Merkel met 😀 Tim Cook in Berlin."


def main() -> None:
    studio, backend, email, password = sys.argv[1:]
    with httpx.Client(base_url=studio, timeout=120, follow_redirects=True) as client:
        client.get("/user/login/")
        form = {"email": email, "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        client.post("/user/login/", data=form, headers={"referer": f"{studio}/user/login/"})
        client.headers.update({"x-csrftoken": client.cookies["csrftoken"], "referer": studio})

        def ask(method: str, path: str, **more: Any) -> Any:
            answer = client.request(method, path, **more)
            assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            return answer.json() if answer.content else None

        release = ask("GET", "/api/version")["release"]
        project = ask("POST", "/api/projects", json={"title": "ner", "label_config": CONFIG})["id"]
        try:
            connected = ask("POST", "/api/ml", json={"url": backend, "project": project, "title": "ner"})
            ask("POST", f"/api/projects/{project}/import", json=[{"text": TEXT}])
            (prediction,) = ask("GET", f"/api/projects/{project}/next")["predictions"]
        finally:
            ask("DELETE", f"/api/projects/{project}")
    print(f"Label Studio {release}: {connected['readable_state']}, {connected['model_version']}")
    for region in prediction["result"]:
        value = region["value"]
        print(f"{value['labels'][0]:8}{value['start']:>4}{value['end']:>4} {region['score']:.4f} {value['text']}")
    assert {region["value"]["text"] for region in prediction["result"]} == {"Angela Merkel", "Tim Cook", "Berlin"}
    assert prediction["score"] == min(region["score"] for region in prediction["result"])


if __name__ == "__main__":
    main()
