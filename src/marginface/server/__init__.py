"""The use road as a service: HTTP routes over the same functions that a Python user calls, closed by default.

settings    ServerSettings: what 'marginface serve' was told; it travels to the workers
defaults    what it takes where nobody says otherwise
recognizer  the recognizer of the settings
service     Service: what a route works with: recognizer, gallery, keys, limits
gate        the check before every route
refusals    every error in one form
threads     how much is computed at once
shown/      what is below a folder and is shown: training runs, evaluations
discretion  what is said to a caller, and what is not
logs        how a process logs: where something went wrong, never what it said

access/     keys and scopes: who may ask what, and how often
state/      the service's own database: no name, vector or picture in clear in it
decoding/   bytes → pixels, in processes that may die, for requests and jobs
photos/     parts of a request → photos; aligned faces as PNG
people/     the gallery for one caller: enrolled from uploads, taken out as a file
once/       a request that comes again gets the first answer again
jobs/       long work in processes of its own
events/     how the service is used; second keys
monitoring/ figures for Prometheus

schemas/    bodies and answers, with examples
routes/     one file for each group of paths
web/        the page, as it is sent
middleware/ around every request: its id and log line, limits, hosts, security headers
app         make_app: all of it joined
running/    on an address, by uvicorn
"""
