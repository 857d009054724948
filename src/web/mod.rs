//! Pages, pushes and the workers of the HTTP server.
