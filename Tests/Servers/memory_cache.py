"""Memory in place of memcached, for the one process of the proxy: signing in by Swift's own protocol needs it."""


class Cache:
    def __init__(self):
        self.values = {}

    def get(self, key, **_):
        return self.values.get(key)

    def set(self, key, value, **_):
        self.values[key] = value

    def delete(self, key, **_):
        self.values.pop(key, None)

    def incr(self, key, delta=1, **_):
        self.values[key] = int(self.values.get(key) or 0) + delta
        return self.values[key]


def filter_factory(configuration, **_):
    cache = Cache()

    def wrap(app):
        def call(environment, start_response):
            environment["swift.cache"] = cache
            return app(environment, start_response)

        return call

    return wrap
