import streamlit as st

st.title("Subject")
