print("sipguardd")
