"""The use road as a service: HTTP routes over the same functions that a Python user calls, closed by default.

settings    ServerSettings: what 'marginface serve' was told; it travels to the workers
places      where the gallery is, and beside it the state of the service
state       the service's own database: keys, jobs, events; no name, vector or picture in clear
access      keys and scopes: who may ask what
gate        the check before every route
recognizing the recognizer of the settings
service     Service: what a route works with: recognizer, gallery, keys, limits
uploads     parts of a request → photos        decoding   bytes → pixels, in processes that may die
pressure    how much is computed at once       rates      how often a key may ask
acting      the gallery for one caller         enrolling  uploaded photos → faces of a person
cursors     where a list goes on               archives   people as a file
idempotency a request that comes again         answers    gets the first answer again
jobs        long work in processes of its own  events     how it is used; second keys
monitoring  figures for Prometheus
runs        the training runs below a folder   tickets    for a minute, the right to see one thing
clock       times as the state holds them
envelope    every error in one form            schemas    bodies and answers, with examples
crops       aligned faces as PNG               connections   given up in time where nobody asks
middleware  around every request: its id and log line, limits, hosts, security headers
routes      one file for each group of paths   web/       the page, as it is sent
app         make_app: all of it joined         running    on an address, by uvicorn
"""
