SELECT country, count(*) AS orders, round(sum(amount), 2) AS amount
FROM 'orders/*.csv' JOIN 'customers.csv' USING (customer)
GROUP BY country ORDER BY country
