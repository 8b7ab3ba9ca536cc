"""Files from and to file servers: what became of it as a CWMP fault, (0, "") for none."""
from .web import Client

BLOCK = 64 * 1024


def client_of(order, options):
    return Client(order["URL"], order["Username"], order["Password"], options.local_address,
                  options.ca_file)


def download(order, options, path):
    client = client_of(order, options)
    wanted, got = int(order["FileSize"] or 0), 0
    try:
        response = client.exchange("GET")
        if response.status != 200:
            return {401: (9012, "not let in"), 403: (9016, "forbidden")}.get(
                response.status, (9016, f"HTTP {response.status}"))
        with open(path, "wb") as file:
            while block := response.read(BLOCK):
                file.write(block)
                got += len(block)
    except OSError as error:
        return (9015, str(error)) if got == 0 else (9017, str(error))
    finally:
        client.close()
    if wanted and got != wanted:
        return 9017, f"{got} bytes of {wanted}"
    return 0, ""


def upload(order, options, body):
    client = client_of(order, options)
    try:
        response = client.exchange("PUT", body, {"Content-Type": "application/octet-stream"})
        response.read()
    except OSError as error:
        return 9011, str(error)
    finally:
        client.close()
    if response.status == 401:
        return 9012, "not let in"
    if response.status // 100 != 2:
        return 9011, f"HTTP {response.status}"
    return 0, ""
