"""The store's own client against a gateway: HOST MANAGER TOKEN VIEWER TOKEN, with REQUESTS_CA_BUNDLE set."""

import sys

import bigcommerce.api
from bigcommerce.exception import ClientRequestException

host, manager, manager_token, viewer, viewer_token = sys.argv[1:]


def expect(status, call, *arguments, **fields):
    try:
        call(*arguments, **fields)
    except ClientRequestException as error:
        assert error.status_code == status, (error.status_code, error.content)
        return error
    raise AssertionError(f"{call} was not refused with {status}")


api = bigcommerce.api.BigcommerceApi(host=host, basic_auth=(manager, manager_token))
before = api.Products.all()
assert before[0].name
mug = api.Products.create(name="Mug", type="physical", price="9.00", weight="0.3")
assert api.Products.get(mug.id).name == "Mug"
assert mug.update(price="8.00").price == "8.00"
assert len(list(api.Products.iterall())) == len(before) + 1
mug.delete()
expect(404, api.Products.get, mug.id)
assert api.Products.count() == len(before)

# What is refused does not reach the store.
api = bigcommerce.api.BigcommerceApi(host=host, basic_auth=(viewer, viewer_token))
product = api.Products.get(before[0].id)
denied = expect(403, product.delete)
assert b"products.delete" in denied.content, denied.content
expect(403, product.update, price="0.01")
expect(403, api.Products.create, name="Mug", type="physical", price="9.00", weight="0.3")
expect(403, api.Orders.all)
assert api.Products.count() == len(before)
assert api.Products.get(before[0].id).price == before[0].price

api = bigcommerce.api.BigcommerceApi(host=host, basic_auth=(viewer, manager_token))
expect(401, api.Products.all)
