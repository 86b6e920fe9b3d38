"""SQL writer content: schemas of invented businesses, questions over them, right queries and believable mistakes."""

from typing import NamedTuple

SHOP = """customers(id, name, city, created_at)
orders(id, customer_id, status, total, created_at)   -- status: open, paid, shipped, cancelled
order_lines(order_id, product_id, quantity, price)
products(id, name, category, stock)"""

CLINIC = """patients(id, name, birth_date, city)
doctors(id, name, field)
visits(id, patient_id, doctor_id, starts_at, state, fee)   -- state: planned, done, missed
invoices(id, visit_id, amount, paid_at)"""

LIBRARY = """books(id, title, author_id, year, copies)
authors(id, name)
members(id, name, joined_at)
loans(id, book_id, member_id, lent_at, due_at, returned_at)"""


class Mistake(NamedTuple):
    sql: str
    reason: str  # what a look at both results shows


class Task(NamedTuple):
    """Templates over {n}, {days}, {city}, {category} and the pieces of `sql_dialects`. `column`: what {month} is of."""

    slug: str
    schema: str
    asks: tuple[str, ...]
    right: str
    rewrites: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    column: str = ""


TASKS = (
    Task(
        "top-customers", SHOP,
        ("Who are our {n} best customers of the last {days} days by revenue?", "Top {n} customers, {days} days"),
        "SELECT {top}c.name, sum(o.total) AS revenue FROM customers c JOIN orders o ON o.customer_id = c.id "
        "WHERE o.status <> 'cancelled' AND o.created_at >= {ago} GROUP BY c.id, c.name ORDER BY revenue DESC{limit}",
        (
            "WITH recent AS (SELECT customer_id, total FROM orders WHERE status <> 'cancelled' AND created_at >= "
            "{ago}) "
            "SELECT {top}c.name, sum(r.total) AS revenue FROM recent r JOIN customers c ON c.id = r.customer_id "
            "GROUP BY c.id, c.name ORDER BY revenue DESC{limit}",
        ),
        (
            Mistake(
                "SELECT {top}c.name, sum(o.total) AS revenue FROM customers c JOIN orders o ON o.customer_id = c.id "
                "WHERE o.created_at >= {ago} GROUP BY c.id, c.name ORDER BY revenue DESC{limit}",
                "Cancelled orders are counted as revenue: the order of the rows differs.",
            ),
            Mistake(
                "SELECT {top}c.name, count(*) AS revenue FROM customers c JOIN orders o ON o.customer_id = c.id "
                "WHERE o.status <> 'cancelled' AND o.created_at >= {ago} GROUP BY c.id, c.name ORDER BY revenue "
                "DESC{limit}",
                "Counts orders where revenue was asked for.",
            ),
        ),
    ),
    Task(
        "unsold-products", SHOP,
        ("Which products of {category} have not been ordered for {days} days?", "unsold {category}, last {days} days"),
        "SELECT p.name FROM products p WHERE p.category = '{category}' AND NOT EXISTS (SELECT 1 FROM order_lines l "
        "JOIN orders o ON o.id = l.order_id WHERE l.product_id = p.id AND o.created_at >= {ago})",
        (
            "SELECT p.name FROM products p LEFT JOIN (SELECT DISTINCT l.product_id FROM order_lines l JOIN orders o "
            "ON o.id = l.order_id WHERE o.created_at >= {ago}) s ON s.product_id = p.id "
            "WHERE p.category = '{category}' AND s.product_id IS NULL",
        ),
        (
            Mistake(
                "SELECT p.name FROM products p LEFT JOIN order_lines l ON l.product_id = p.id "
                "LEFT JOIN orders o ON o.id = l.order_id WHERE p.category = '{category}' AND o.created_at < {ago}",
                "Finds products that were ordered before, also when they were ordered again since.",
            ),
            Mistake(
                "SELECT p.name FROM products p WHERE p.category = '{category}' AND p.id NOT IN "
                "(SELECT product_id FROM order_lines)",
                "The time is left out: products ordered long ago are missing from the result.",
            ),
        ),
    ),
    Task(
        "revenue-by-month", SHOP,
        ("Revenue by month for customers from {city}", "How much did customers in {city} spend each month?"),
        "SELECT {month} AS month, sum(o.total) AS revenue FROM orders o JOIN customers c ON c.id = o.customer_id "
        "WHERE c.city = '{city}' AND o.status <> 'cancelled' GROUP BY {month} ORDER BY month",
        (),
        (
            Mistake(
                "SELECT {month} AS month, sum(o.total) AS revenue FROM orders o JOIN customers c ON c.id = "
                "o.customer_id "
                "JOIN order_lines l ON l.order_id = o.id WHERE c.city = '{city}' AND o.status <> 'cancelled' "
                "GROUP BY {month} ORDER BY month",
                "The join with order_lines counts an order once a line: sums are too high.",
            ),
        ),
        "o.created_at",
    ),
    Task(
        "average-basket", SHOP,
        ("What is the average order value in {city} over the last {days} days?",),
        "SELECT avg(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id "
        "WHERE c.city = '{city}' AND o.status <> 'cancelled' AND o.created_at >= {ago}",
        (
            "SELECT sum(o.total) / nullif(count(*), 0) FROM orders o WHERE o.status <> 'cancelled' AND o.created_at "
            ">= {ago} "
            "AND o.customer_id IN (SELECT id FROM customers WHERE city = '{city}')",
        ),
        (
            Mistake(
                "SELECT avg(l.price) FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN customers c "
                "ON c.id = o.customer_id WHERE c.city = '{city}' AND o.created_at >= {ago}",
                "Averages the price of a line, not the value of an order.",
            ),
        ),
    ),
    Task(
        "low-stock", SHOP,
        ("The {n} products of {category} with the lowest stock", "What runs out first in {category}? Show {n}."),
        "SELECT {top}name, stock FROM products WHERE category = '{category}' ORDER BY stock ASC{limit}",
        (),
        (
            Mistake(
                "SELECT {top}name, stock FROM products WHERE category = '{category}' ORDER BY stock DESC{limit}",
                "Sorted the wrong way round: the products with the highest stock.",
            ),
            Mistake(
                "SELECT name, min(stock) FROM products WHERE category = '{category}' GROUP BY name",
                "No order and no limit: all products of the category are returned.",
            ),
        ),
    ),
    Task(
        "missed-visits", CLINIC,
        ("How many visits were missed for each field in the last {days} days?", "missed by field, {days} days"),
        "SELECT d.field, count(*) AS missed FROM visits v JOIN doctors d ON d.id = v.doctor_id "
        "WHERE v.state = 'missed' AND v.starts_at >= {ago} GROUP BY d.field ORDER BY missed DESC",
        (
            "SELECT d.field, sum(CASE WHEN v.state = 'missed' THEN 1 ELSE 0 END) AS missed FROM visits v JOIN "
            "doctors d "
            "ON d.id = v.doctor_id WHERE v.starts_at >= {ago} GROUP BY d.field "
            "HAVING sum(CASE WHEN v.state = 'missed' THEN 1 ELSE 0 END) > 0 ORDER BY missed DESC",
        ),
        (
            Mistake(
                "SELECT d.name, count(*) AS missed FROM visits v JOIN doctors d ON d.id = v.doctor_id "
                "WHERE v.state = 'missed' AND v.starts_at >= {ago} GROUP BY d.name ORDER BY missed DESC",
                "Grouped by doctor, asked was the field.",
            ),
            Mistake(
                "SELECT d.field, count(*) AS missed FROM visits v JOIN doctors d ON d.id = v.doctor_id "
                "WHERE v.state <> 'done' AND v.starts_at >= {ago} GROUP BY d.field ORDER BY missed DESC",
                "Planned visits are counted as missed.",
            ),
        ),
    ),
    Task(
        "open-invoices", CLINIC,
        ("Which patients from {city} have unpaid invoices older than {days} days?",),
        "SELECT DISTINCT p.name FROM patients p JOIN visits v ON v.patient_id = p.id JOIN invoices i ON i.visit_id = "
        "v.id "
        "WHERE p.city = '{city}' AND i.paid_at IS NULL AND v.starts_at < {ago}",
        (
            "SELECT p.name FROM patients p WHERE p.city = '{city}' AND EXISTS (SELECT 1 FROM visits v JOIN invoices i "
            "ON i.visit_id = v.id WHERE v.patient_id = p.id AND i.paid_at IS NULL AND v.starts_at < {ago})",
        ),
        (
            Mistake(
                "SELECT p.name FROM patients p JOIN visits v ON v.patient_id = p.id JOIN invoices i ON i.visit_id = "
                "v.id "
                "WHERE p.city = '{city}' AND i.paid_at IS NULL AND v.starts_at < {ago}",
                "Without DISTINCT a patient appears once for each invoice.",
            ),
            Mistake(
                "SELECT DISTINCT p.name FROM patients p JOIN visits v ON v.patient_id = p.id JOIN invoices i "
                "ON i.visit_id = v.id WHERE p.city = '{city}' AND i.paid_at = NULL AND v.starts_at < {ago}",
                "`= NULL` is never true: the result is empty. IS NULL was needed.",
            ),
        ),
    ),
    Task(
        "busiest-doctors", CLINIC,
        ("The {n} doctors with the most visits in the last {days} days", "busiest {n} doctors, {days} days"),
        "SELECT {top}d.name, count(*) AS visits FROM doctors d JOIN visits v ON v.doctor_id = d.id "
        "WHERE v.state = 'done' AND v.starts_at >= {ago} GROUP BY d.id, d.name ORDER BY visits DESC{limit}",
        (),
        (
            Mistake(
                "SELECT {top}d.name, count(DISTINCT v.patient_id) AS visits FROM doctors d JOIN visits v "
                "ON v.doctor_id = d.id WHERE v.state = 'done' AND v.starts_at >= {ago} "
                "GROUP BY d.id, d.name ORDER BY visits DESC{limit}",
                "Counts patients, not visits.",
            ),
        ),
    ),
    Task(
        "fees-by-month", CLINIC,
        ("Fees of finished visits by month", "How much did we earn with visits each month?"),
        "SELECT {month} AS month, sum(fee) AS fees FROM visits WHERE state = 'done' GROUP BY {month} ORDER BY month",
        (),
        (
            Mistake(
                "SELECT {month} AS month, sum(fee) AS fees FROM visits GROUP BY {month} ORDER BY month",
                "Planned and missed visits are included.",
            ),
        ),
        "starts_at",
    ),
    Task(
        "overdue-loans", LIBRARY,
        ("Which books have been overdue for more than {days} days?", "overdue > {days} days, title and member"),
        "SELECT b.title, m.name FROM loans l JOIN books b ON b.id = l.book_id JOIN members m ON m.id = l.member_id "
        "WHERE l.returned_at IS NULL AND l.due_at < {ago}",
        (),
        (
            Mistake(
                "SELECT b.title, m.name FROM loans l JOIN books b ON b.id = l.book_id JOIN members m ON m.id = "
                "l.member_id "
                "WHERE l.due_at < {ago}",
                "Books that were returned are listed too.",
            ),
            Mistake(
                "SELECT b.title, m.name FROM loans l JOIN books b ON b.id = l.book_id JOIN members m ON m.id = "
                "l.member_id "
                "WHERE l.returned_at IS NULL AND l.lent_at < {ago}",
                "Compares the day of lending, not the day the book was due.",
            ),
        ),
    ),
    Task(
        "popular-authors", LIBRARY,
        ("Top {n} authors by loans in the last {days} days", "Whose books were lent most? {n} authors, {days} days"),
        "SELECT {top}a.name, count(*) AS loans FROM loans l JOIN books b ON b.id = l.book_id "
        "JOIN authors a ON a.id = b.author_id WHERE l.lent_at >= {ago} GROUP BY a.id, a.name ORDER BY loans "
        "DESC{limit}",
        (),
        (
            Mistake(
                "SELECT {top}a.name, count(*) AS loans FROM authors a JOIN books b ON b.author_id = a.id "
                "GROUP BY a.id, a.name ORDER BY loans DESC{limit}",
                "Counts the books of an author; loans do not appear in the query.",
            ),
        ),
    ),
    Task(
        "never-lent", LIBRARY,
        ("How many books have never been lent?",),
        "SELECT count(*) FROM books b WHERE NOT EXISTS (SELECT 1 FROM loans l WHERE l.book_id = b.id)",
        ("SELECT count(*) FROM books b LEFT JOIN loans l ON l.book_id = b.id WHERE l.id IS NULL",),
        (
            Mistake(
                "SELECT count(*) FROM books b LEFT JOIN loans l ON l.book_id = b.id WHERE l.returned_at IS NULL",
                "Books that are lent at present are counted too.",
            ),
        ),
    ),
)  # fmt: skip
