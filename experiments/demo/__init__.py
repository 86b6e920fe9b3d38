"""Demo projects: believable records and scores made from a seed, so that a first look shows what EvalHub is for.

`*_content` modules hold what is said, one a project or topic; a builder turns them into stories (drafts of records, and
what evaluators and people think of them), without touching the database; `filling` takes stories through the product's
own doors. Every company, person, order and product in them is invented.
"""
