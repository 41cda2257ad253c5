from relevo.servicekit.migration_env import run

run()
